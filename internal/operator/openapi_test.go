package operator_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"reflect"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kithchat/kith/internal/operator"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const goldenDocument = "../../docs/operator-api.json"

// The copy in docs is for readers and for reviews of what changes.
func TestGoldenDocument(t *testing.T) {
	text, err := operator.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(goldenDocument, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(goldenDocument)
	if err != nil || !bytes.Equal(kept, text) {
		t.Errorf("the document is not the one in %s (%v); run `make golden` and review the difference", goldenDocument, err)
	}
}

func TestDocumentIsValid(t *testing.T) {
	text, err := operator.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		t.Error(err)
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if o.Summary == "" || ids[o.OperationID] {
				t.Errorf("%s %s has the summary %q and the id %s", method, path, o.Summary, o.OperationID)
			}
			ids[o.OperationID] = true
			for _, p := range o.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s %s does not explain %s", method, path, p.Value.Name)
				}
			}
		}
	}
}

func TestDocumentIsServed(t *testing.T) {
	f := serve(t, nil)
	want, err := operator.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	status, body := f.do(t, http.MethodGet, "/operator/v1/openapi.json", "", authorized())
	var got, wanted any
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %v", status, err)
	}
	if err := json.Unmarshal(want, &wanted); err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("what is served is another one, err %v", err)
	}
	if status, _ := f.do(t, http.MethodGet, "/operator/v1/openapi.json", "", nil); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
}
