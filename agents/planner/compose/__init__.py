"""Plans over tools nobody told us about: chosen, ordered and linked by what they say of themselves."""
