"""Score the risk of patients from their latest laboratory values."""
