pytest --chaos "resilience::transactions::book::warehouse::COMMIT-1-reply-lost-reply"
