"""The ten items of the deployment checklist as experiments."""
