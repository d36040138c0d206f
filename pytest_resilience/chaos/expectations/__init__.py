"""What has to be true of a run: one file an expectation, judged on the run's record and on the stores themselves."""
