"""Whether this machine can do what farandole does: versions, engines, sound, models, places to write."""
