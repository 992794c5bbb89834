"""What a trained model is, as its authors publish it: weights, sizes, tokenizer."""
