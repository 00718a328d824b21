"""What a data set is like, what is wrong with it, and the plan that follows."""
