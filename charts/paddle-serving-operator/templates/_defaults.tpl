{{/*
Sets in .values, at every depth, what it lacks or has as null: a section whose lines are all commented out is null, which
Helm takes for "without the chart's defaults". Quantities are free: one that was taken away stays away.
Given (dict "values" <map> "defaults" <map>); renders nothing.
*/}}
{{- define "paddle-serving-operator.fill" -}}
{{- range $key, $default := .defaults -}}
{{- $value := index $.values $key -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := set $.values $key $default -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $default) (not (has $key (list "limits" "requests" "labels"))) -}}
{{- include "paddle-serving-operator.fill" (dict "values" $value "defaults" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What every template begins with: puts the chart's defaults into .Values where a section or a value is null. A profile that
is null stays removed, as does what a profile may do without. Renders nothing.
*/}}
{{- define "paddle-serving-operator.defaults" -}}
{{- $defaults := .Files.Get "files/defaults.yaml" | fromYaml -}}
{{- range $name, $profile := .Values.profiles -}}
{{- if $profile -}}
{{- $of := index $defaults.profiles $name | default (dict "image" dict "resources" dict) -}}
{{- include "paddle-serving-operator.fill" (dict "values" $profile "defaults" (pick $of "image" "resources")) -}}
{{- end -}}
{{- end -}}
{{- $kept := ternary $defaults (omit $defaults "profiles") (kindIs "invalid" .Values.profiles) -}}
{{- include "paddle-serving-operator.fill" (dict "values" .Values "defaults" $kept) -}}
{{- end -}}
