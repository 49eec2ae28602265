"""What every request meets on its way in and out: limits, headers, who asks."""
