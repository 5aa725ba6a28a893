"""What instructors run: one file a command of course.py."""
