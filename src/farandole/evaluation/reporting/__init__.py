"""Figures for people: report.json, the web page, Markdown tables."""
