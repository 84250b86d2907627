{{/*
Sets in .values, at every depth, what it lacks or has as null: a section whose lines are all commented out is null, which
Helm takes for "without the chart's defaults". Quantities are free: one that was taken away stays away.
Given (dict "values" <map> "defaults" <map>); renders nothing.
*/}}
{{- define "paddle-serving.fill" -}}
{{- range $key, $default := .defaults -}}
{{- $value := index $.values $key -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := set $.values $key $default -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $default) (not (has $key (list "limits" "requests" "labels"))) -}}
{{- include "paddle-serving.fill" (dict "values" $value "defaults" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What every template begins with: puts the chart's defaults into .Values where a section or a value is null. `replicas` is
not among them: null leaves the number alone. Renders nothing.
*/}}
{{- define "paddle-serving.defaults" -}}
{{- include "paddle-serving.fill" (dict "values" .Values "defaults" (.Files.Get "files/defaults.yaml" | fromYaml)) -}}
{{- end -}}
