"""A phone in the browser that speaks Africa's Talking's wire format to the real endpoint. Sandbox mode only."""
