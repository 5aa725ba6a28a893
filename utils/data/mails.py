"""Synthetic mails, drawn from a small grammar: spam and ham (what is not spam), for a filter that counts words.

scikit-learn's CountVectorizer turns them into bags of words.
"""
import re

import numpy as np

# A word in capitals stands for a random one of its list; what it is replaced by may have such words again.
GRAMMAR = {
    "HAM": ["OPEN NAME , WORK", "NAME , could you ASK before DAY", "the MEETING is moved to DAY , please bring the PAPER",
            "I read the PAPER on DAY and have COMMENT", "we discussed the PAPER with NAME in the MEETING",
            "the PAPER for the MEETING is attached", "please ASK and send it to NAME",
            "NAME is ill , so the MEETING starts later",
            "shall we have LUNCH on DAY after the MEETING", "the DEVICE in room NUMBER is broken again",
            "my train is late , I arrive on DAY at NUMBER", "thank you for the PAPER , it was COMMENT"],
    "SPAM": ["OPEN friend , GOOD !", "GOOD and save NUMBER percent , HURRY", "cheap PRODUCT without prescription , HURRY",
             "you have won NUMBER dollars , click here to claim the PRIZE", "CLICK and receive a free PRIZE",
             "this is no joke : NUMBER customers GAIN with our PRODUCT", "your account is limited , CLICK to verify the password",
             "GAIN from home , no experience needed", "lowest price for PRODUCT , satisfaction guaranteed",
             "unsubscribe : CLICK , offer ends DAY", "our bank offers you a loan of NUMBER dollars , HURRY"],
    "BOTH": ["please answer by DAY", "see you on DAY", "best regards NAME", "is NUMBER still your telephone number",
             "I write to you because of the account", "the offer of DAY is attached", "call NAME for more information",
             "we have a new price for the DEVICE", "have you received my mail of DAY"],
    "OPEN": ["hello", "dear", "good morning"],
    "NAME": ["Anna", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas"],
    "DAY": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "NUMBER": ["three", "seven", "twelve", "fifty", "eighty", "hundred", "thousand"],
    "WORK": ["the experiment is finished", "the simulation still runs", "the students have questions",
             "the code is in the folder", "I corrected the chapter", "the library extended the deadline"],
    "MEETING": ["meeting", "seminar", "lecture", "exam", "workshop", "discussion"],
    "PAPER": ["report", "draft", "thesis", "protocol", "slides", "manuscript", "schedule", "budget", "contract"],
    "ASK": ["check the figures", "review the proof", "correct the references", "print the poster", "repeat the measurement"],
    "COMMENT": ["a few comments", "two questions", "very clear", "longer than expected", "a suggestion for the title"],
    "LUNCH": ["lunch", "coffee", "dinner", "a walk"],
    "DEVICE": ["printer", "projector", "microscope", "computer", "coffee machine"],
    "GOOD": ["amazing opportunity", "exclusive bonus", "limited offer", "incredible discount", "secret investment"],
    "HURRY": ["act now", "order today", "only this week", "buy immediately", "do not wait"],
    "PRODUCT": ["pills", "watches", "software", "supplements", "replica handbags", "cream"],
    "PRIZE": ["prize", "gift card", "phone", "cruise", "jackpot"],
    "CLICK": ["click the link", "visit our website", "open the attachment", "confirm below"],
    "GAIN": ["earn money", "lose weight", "double the income", "win daily", "get rich"],
}
OWN = 0.55  # the probability that a sentence is of the mail's own kind; else it is one that both kinds use


def mails(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """`count` mails of 3 to 8 sentences and their labels, int64 [count]: 1 spam, 0 ham, half of each (or one more ham), shuffled.

    A sentence is of the mail's own kind with probability OWN and else one that both kinds use, so that short mails can be
    ambiguous. No mail is anybody's: all are drawn from GRAMMAR. Raises ValueError for a count below 2.
    """
    if count < 2:
        raise ValueError(f"count is {count}, expected 2 mails or more: one of each kind.")
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 2)
    kinds = [["SPAM" if label else "HAM", "BOTH"] for label in labels]
    return [". ".join(_sentence(kind[int(random.random() > OWN)], random) for _ in range(random.integers(3, 9))) + "."
            for kind in kinds], labels.astype(np.int64)


def _sentence(symbol: str, random: np.random.Generator) -> str:
    """A random expansion of a word of the grammar."""
    text = GRAMMAR[symbol][random.integers(len(GRAMMAR[symbol]))]
    return re.sub(r"\b[A-Z]{2,}\b", lambda found: _sentence(found[0], random), text)
