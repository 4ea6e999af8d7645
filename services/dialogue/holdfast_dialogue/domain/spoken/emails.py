"""E-mail addresses as people say, spell, correct and hear them.

parse     "dana dot miller at northwind dot example", letters, code words, "s as in sam", typed ones
correct   "no it's miller with two l's", "the domain is north wind dot example"
respelled "lima india november delta" where the part that was misheard was asked for
say, spell   the address in words, and letter by letter with code words
"""

from holdfast_dialogue.domain.spoken.email_correct import correct, parse, respelled
from holdfast_dialogue.domain.spoken.email_parse import Address, Problem, validated
from holdfast_dialogue.domain.spoken.email_say import say, spell

__all__ = ["Address", "Problem", "correct", "parse", "respelled", "say", "spell", "validated"]
