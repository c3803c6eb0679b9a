"""Building blocks that know no model: transformers, recurrent and convolutional networks, positions."""
