"""Many cases: what a cohort is, the engines that work through it, the table and the page at its end. Knows files, no terminal."""
