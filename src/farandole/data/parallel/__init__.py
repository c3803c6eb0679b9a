"""Work on many cores or machines that may stop at any moment and be taken up again."""
