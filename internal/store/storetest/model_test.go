package storetest

import "testing"

// The model keeps the contract that it is the measure of.
func TestModel(t *testing.T) { Run(t, newModel) }
