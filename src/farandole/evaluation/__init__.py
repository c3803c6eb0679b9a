"""How good a dance is: physical, musical and dancerly figures, the published metrics, reports. Needs numpy and scipy only."""
