"""How the reorder rule would have done on the real ledger, beside the average that managers are used to."""
