"""Take readings over from bedside monitors, page by page."""
