"""The input check and the modality guess: findings, each with a remedy, before anything runs. numpy only."""
