"""The instructor's kit: mini-projects and labs of a whole class, graded safely. See solutions/README.md."""
