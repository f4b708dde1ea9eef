"""What people ask for beside the stages: a whole run, an explanation, an evaluation, a look at quarantine."""
