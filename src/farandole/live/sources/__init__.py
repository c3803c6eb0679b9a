"""Where live sound comes from: files, PCM on standard input, devices."""
