"""MTN MoMo's disbursement API, as strict as MTN's. Facts and their grades: mobile money notes, A1-A11."""
