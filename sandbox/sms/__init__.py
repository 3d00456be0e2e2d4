"""Africa's Talking's form endpoint for SMS and its delivery reports (SMS notes, sections 6-8)."""
