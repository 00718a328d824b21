"""Tables of trainings: levels of supervision, other networks, synthesis, speed."""
