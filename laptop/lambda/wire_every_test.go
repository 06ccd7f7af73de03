package lambda

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// fill gives every field of an input a value, so that the SDK sends it.
func fill(v reflect.Value, depth int) {
	if depth > 6 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, depth+1)
		fill(value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Interface:
		if reader := reflect.ValueOf(strings.NewReader("{}")); reader.Type().Implements(v.Type()) {
			v.Set(reader)
		}
	}
}

// TestEveryOperation: whatever the SDK can ask for is done, or refused by its name.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	c, _ := client(t, open(t, Config{}))
	client := reflect.ValueOf(c)
	asked := 0
	for i := range client.NumMethod() {
		name, kind := client.Type().Method(i).Name, client.Method(i).Type()
		if kind.NumIn() != 3 || kind.NumOut() != 2 || !strings.HasSuffix(kind.In(1).String(), "."+name+"Input") {
			continue
		}
		in := reflect.New(kind.In(1).Elem())
		fill(in.Elem(), 0)
		out := client.Method(i).Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
		asked++
		err, _ := out[1].Interface().(error)
		e, ok := errors.AsType[smithy.APIError](err)
		switch {
		case err == nil:
		case !ok:
			t.Errorf("%s: %v", name, err)
		case e.ErrorCode() == "UnknownOperationException", e.ErrorCode() == "NotImplementedException" && !strings.Contains(e.ErrorMessage(), name):
			t.Errorf("%s is not refused by its name: %v", name, err)
		}
	}
	if asked < 60 {
		t.Errorf("%d operations were found", asked)
	}
}
