package cloudformation

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type decoded struct {
	Name    string
	Timeout int
	Ratio   float64
	On      bool
	Code    *struct{ S3Bucket, S3Key string }
	Env     map[string]string
	List    []string
	Any     any
	Renamed string `json:"x-y"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	f := func(properties string, want decoded, message string) {
		t.Helper()
		var v values
		if err := v.UnmarshalJSON([]byte(properties)); err != nil {
			t.Fatal(err)
		}
		got := decoded{Timeout: 3}
		err := Request{LogicalID: "F", Properties: v}.Decode(&got)
		if message != "" {
			if err == nil || !strings.HasSuffix(err.Error(), "["+message+"]") {
				t.Errorf("%s: %v, want %s", properties, err, message)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", properties, err)
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", properties, diff)
		}
	}
	f(`{}`, decoded{Timeout: 3}, "")
	f(`{"Name": 5, "Timeout": "30", "Ratio": "0.5", "On": "true"}`, decoded{Name: "5", Timeout: 30, Ratio: 0.5, On: true}, "")
	f(`{"Name": true, "Timeout": 30, "On": false, "x-y": "z"}`, decoded{Name: "true", Timeout: 30, Renamed: "z"}, "")
	f(`{"Code": {"S3Bucket": "b", "S3Key": "k"}, "Env": {"A": 1}, "List": ["x", 2], "Any": {"n": 1.50}}`, decoded{
		Timeout: 3, Code: &struct{ S3Bucket, S3Key string }{"b", "k"}, Env: map[string]string{"A": "1"}, List: []string{"x", "2"},
		Any: map[string]any{"n": json.Number("1.50")},
	}, "")
	f(`{"Nope": 1}`, decoded{}, "#: key [Nope] is not supported on this machine")
	f(`{"hidden": 1}`, decoded{}, "#: key [hidden] is not supported on this machine")
	f(`{"Code": {"Zip": 1}}`, decoded{}, "#/Code: key [Zip] is not supported on this machine")
	f(`{"Code": "x"}`, decoded{}, "#/Code: expected type: JSONObject, found: String")
	f(`{"Name": ["x"]}`, decoded{}, "#/Name: expected type: String, found: JSONArray")
	f(`{"Timeout": "x"}`, decoded{}, "#/Timeout: expected type: Integer, found: String")
	f(`{"Timeout": 1.5}`, decoded{}, "#/Timeout: expected type: Integer, found: Number")
	f(`{"On": "maybe"}`, decoded{}, "#/On: expected type: Boolean, found: String")
	f(`{"Ratio": true}`, decoded{}, "#/Ratio: expected type: Number, found: Boolean")
	f(`{"List": "x"}`, decoded{}, "#/List: expected type: JSONArray, found: String")
	f(`{"List": ["a", {}]}`, decoded{}, "#/List/1: expected type: String, found: JSONObject")
	f(`{"Env": []}`, decoded{}, "#/Env: expected type: JSONObject, found: JSONArray")
}

// tail is what the token "token" gives.
const tail = "Y8ONAQJ5O51L"

func TestPhysicalName(t *testing.T) {
	t.Parallel()
	f := func(stack, logical string, limit int, want string) {
		t.Helper()
		got := PhysicalName(stack, logical, "token", limit)
		if got != want || limit > 0 && len(got) > limit {
			t.Errorf("PhysicalName(%q, %q, %d) = %q, want %q", stack, logical, limit, got, want)
		}
	}
	f("Stack", "Logical", 0, "Stack-Logical-"+tail)
	f("Stack", "Logical", 63, "Stack-Logical-"+tail)
	f("Stack", "Logical", 23, "St-Logical-"+tail)
	f("Stack", "Logical", 16, "Lo-"+tail)
	f("Stack", "Logical", 5, tail[7:])
	if PhysicalName("S", "L", "a", 0) == PhysicalName("S", "L", "b", 0) {
		t.Error("two tokens give one name")
	}
}

// Whatever a template gives as properties is decoded or refused in words, and AWS's schemas bear it.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"Code":{"ZipFile":"x"},"Environment":{"Variables":{"a":1}}}`, `{"Tags":[{"Key":1}]}`, `{"Layers":[[]]}`, `{"Target":{"RetryPolicy":[1]}}`} {
		f.Add("AWS::Lambda::Function", []byte(seed))
		f.Add("AWS::Scheduler::Schedule", []byte(seed))
	}
	all, err := PublishedTypes()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		var v values
		if err := v.UnmarshalJSON(data); err != nil {
			return
		}
		for _, wrong := range all[kind].wrong(v) {
			if !strings.HasPrefix(wrong, "#") {
				t.Errorf("%s %s: %q", kind, data, wrong)
			}
		}
		var into struct {
			Code, Target struct{ ZipFile string }
			Tags         []struct{ Key, Value string }
			Environment  map[string]map[string]string
			Layers       []string
			Size         int
			On           *bool
			Any          any
		}
		if err := (Request{LogicalID: "A", Properties: v}).Decode(&into); err != nil && !strings.HasPrefix(err.Error(), "Properties validation failed for resource A") {
			t.Errorf("%s: %v", data, err)
		}
	})
}
