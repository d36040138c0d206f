"""Take the pharmacy's open orders into stock keeping, and acknowledge each."""
