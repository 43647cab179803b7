"""One shipment from document to statistics, played through the subjects' own commands; no tables of its own.

    stage = load(cast, number=1, clock=…)      # who plays, which shipment, from which day on; the same again for the same seed
    played = play(stage, until="attach")       # every step in order, or up to and with one; what was played before answers as it did
    by_name("settle").run(stage)               # or one step alone

`cast` says who plays, `shipment` what is shipped, `papers` what is written of it, `story` the steps, `seen` what a step wrote, and
`recount` whether the books agree.
"""
