"""The models of the table, one file a family. Each lists its rows; a row's model is made in the child that has Keras."""
