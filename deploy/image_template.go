package deploy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/ephor-io/ephor"
	"github.com/ephor-io/ephor/cfn"
)

// ParamImage is the parameter of the application's template that names the image of its functions, where they
// are one. So the template is known before the image is built, and the same in every account.
const ParamImage = "ImageUri"

var imageParameter = cfn.Parameter{Type: "String", Description: "The image of the functions in Amazon ECR, by its digest"}

// ofImage makes a function's properties those of one that is an image. The image is the same for all functions;
// its command says which of them it is. Lambda runs an image's own entry point, so there is neither a runtime nor a handler.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-imageconfig.html
func ofImage(properties map[string]any, f *ephor.Function) {
	delete(properties, "Runtime")
	delete(properties, "Handler")
	properties["PackageType"] = "Image"
	properties["Code"] = map[string]any{"ImageUri": cfn.Ref(ParamImage)}
	properties["ImageConfig"] = map[string]any{"Command": []any{f.Name}}
}

// isImage reports whether this is the Code of a function that is the application's image.
func isImage(code any) bool {
	c, _ := code.(map[string]any)
	return reflect.DeepEqual(c["ImageUri"], any(cfn.Ref(ParamImage)))
}

func hasImage(t cfn.Template) bool {
	for _, r := range t.Resources {
		if isImage(r.Properties["Code"]) {
			return true
		}
	}
	return false
}

// notOfImages are properties that Lambda has only for functions that are zip archives, and what is in their place.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
// https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
var notOfImages = map[string]string{
	"Layers":               "an image has none; the Dockerfile puts files into /opt",
	"CodeSigningConfigArn": "Lambda checks signatures of zip archives alone",
	"Runtime":              "an image brings its own",
	"Handler":              "ImageConfig.Command is in its place",
}

// checkImages refuses what a hook has given to a function that an image cannot have.
func checkImages(t cfn.Template) error {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		p := t.Resources[id].Properties
		if !isImage(p["Code"]) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(notOfImages)) {
			if _, given := p[name]; given {
				return fmt.Errorf("Resources.%s.Properties.%s: %s", id, name, notOfImages[name])
			}
		}
	}
	return nil
}
