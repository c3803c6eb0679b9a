"""Training loops (needs farandole[train])."""
