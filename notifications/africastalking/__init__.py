"""Africa's Talking's SMS API: what it is sent, what it answers, what it reports later."""
