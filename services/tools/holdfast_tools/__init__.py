"""Acts: knowledge search, calendar, the booking ledger."""
