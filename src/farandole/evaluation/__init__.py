"""How good a dance is: physical and musical figures, the published metrics, reports. Needs numpy and scipy only."""

from farandole.evaluation.measure import Settings
from farandole.evaluation.quality import DanceQuality, compare_dance, measure_dance
from farandole.evaluation.report import Report, evaluate, write_report

__all__ = ["DanceQuality", "Report", "Settings", "compare_dance", "evaluate", "measure_dance", "write_report"]
