"""One metric, one file: definitions with units and sources. Pure functions of arrays or of a `HumanoidView`."""
