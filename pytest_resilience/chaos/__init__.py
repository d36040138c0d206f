"""Faults, the schedule that places them and the scenarios made of them."""
