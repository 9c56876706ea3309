"""All examples, one after the other. Needs no key and no network."""

from __future__ import annotations

import azure_agent
import csv_analyst
import follow_up
import live_answer
import math_tutor
import quiz
import recorded_session

for example in (math_tutor, quiz, live_answer, csv_analyst, follow_up, recorded_session, azure_agent):
    print(f"── examples/{example.__name__}.py: {example.__doc__}\n")
    example.main()
    print()
print("All examples ran.")
