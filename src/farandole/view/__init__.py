"""Turning motion into something a person looks at: web page, video, contact sheet."""
