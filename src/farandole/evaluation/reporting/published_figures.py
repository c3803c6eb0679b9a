"""Numbers other people published, for the tables of a report. Only values seen in a public source are listed."""

from __future__ import annotations

AISTPP = (
    # method, FID_k, FID_g, Div_k, Div_g, BAS (Bailando); 60 fps, 40 pieces of 20 s, all real motion as reference
    ("Real dances", 17.10, 10.60, 8.19, 7.45, 0.2374),
    ("DanceNet", 69.18, 25.49, 2.86, 2.85, 0.1430),
    ("DanceRevolution", 73.42, 25.92, 3.52, 4.87, 0.1950),
    ("FACT", 35.35, 22.11, 5.94, 6.18, 0.2209),
    ("Bailando", 28.16, 9.62, 7.83, 6.34, 0.2332),
    ("TM2D", 19.01, 20.09, 9.45, None, 0.2049),
    ("EDGE (run by Lodge)", 42.16, 22.12, None, None, 0.2334),
    ("Lodge", 37.09, 18.79, 5.58, 4.85, 0.2423),
    ("E3D2", 26.25, 8.94, 7.96, 6.49, 0.2232),
    ("MEGADance", 25.89, 12.62, None, None, 0.238),
    ("GENMO (music)", 16.10, 13.91, None, None, 0.2282),
)
"""AIST++ under Bailando's protocol. Comparable only with SMPL motion of that corpus, scored at 60 fps on 20 s."""

AISTPP_COLUMNS = ("FID_k", "FID_g", "Dist_k", "Dist_g", "Beat alignment")

LAFAN1 = {
    "L2Q": (
        ("Zero velocity", 0.56, 1.10, 1.51, 1.81),
        ("Interpolation", 0.22, 0.62, 0.98, 1.25),
        ("Harvey 2020", 0.17, 0.42, 0.69, 0.94),
        ("Delta interpolator 2022", 0.1138, 0.3175, 0.5723, None),
        ("Two-stage 2022", 0.0994, 0.2839, 0.5446, 0.8727),
    ),
    "L2P": (
        ("Zero velocity", 1.5230, 3.6944, 6.6002, 9.3289),
        ("Interpolation", 0.3729, 1.2488, 2.3158, 3.4469),
        ("Harvey 2020", 0.23, 0.65, 1.28, 2.24),
        ("Delta interpolator 2022", 0.1290, 0.4670, 0.9954, None),
        ("Two-stage 2022", 0.1049, 0.3943, 0.8948, 1.6777),
    ),
    "NPSS": (
        ("Zero velocity", 0.0053, 0.0522, 0.2318, 0.4918),
        ("Interpolation", 0.0023, 0.0391, 0.2013, 0.4493),
        ("Delta interpolator 2022", 0.0014, 0.0217, 0.1217, None),
        ("Two-stage 2022", 0.0011, 0.0188, 0.1124, 0.3217),
    ),
}
"""LAFAN1 in-betweening: metric -> method and values at 5, 15, 30 and 45 missing frames."""

LAFAN1_SOURCES = (
    "Published figures: Zero velocity and Interpolation, Ubisoft La Forge's benchmark of the data set; Harvey et al., Robust "
    "Motion In-betweening, 2020, arXiv:2102.04942; Oreshkin et al., Motion In-Betweening via Deep Delta-Interpolator, 2022, "
    "arXiv:2201.06701 (figures of its notebook, eight seeds); Qin et al., Motion In-betweening via Two-stage Transformers, ACM "
    "Transactions on Graphics 41(6), 2022 (figures of its repository)."
)
"""Where they come from."""
