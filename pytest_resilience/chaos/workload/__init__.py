"""Workloads as processes: started, watched, disturbed, ended, with nothing of them left behind."""
