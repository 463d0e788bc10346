"""The report as one HTML file: no script, nothing from the network, for phones and paper, light and dark."""
