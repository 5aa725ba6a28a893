"""nbgrader: the sources of the labs are in solutions/, what the students get in labs/."""
c = get_config()  # noqa: F821 (Jupyter defines it)

c.CourseDirectory.course_id = "course"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.db_url = "sqlite:///build/gradebook.db"
c.CourseDirectory.ignore = ["README.md", ".ipynb_checkpoints", "*.part"]
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Write this task, then run the check below it.")'}
c.ClearSolutions.text_stub = "Write your answer here."
