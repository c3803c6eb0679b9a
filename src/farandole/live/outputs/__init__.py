"""Where a live dance goes: VMC, OSC, a page, files. All take a `LiveFrame` and never wait."""
