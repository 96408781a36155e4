"""What dse talks about, as frozen values: spaces, configurations, measurements, fronts. No input or output in here."""
