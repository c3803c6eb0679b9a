"""Metrics and reports: how good a dance is, in the field's own figures."""
