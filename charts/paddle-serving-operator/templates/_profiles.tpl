{{/* The runtime profiles as the operator reads them: profile name -> image, resources, env and scheduling. YAML text. */}}
{{- define "paddle-serving-operator.profiles" -}}
{{- $profiles := dict -}}
{{- range $name, $values := .Values.profiles -}}
{{- if $values -}}
{{- $image := include "paddle-serving-operator.image" (dict "image" $values.image "root" $) -}}
{{- $pullPolicy := $values.image.pullPolicy | default "IfNotPresent" -}}
{{- $resources := include "paddle-serving-operator.resources" $values.resources | fromYaml -}}
{{- $profile := dict "image" $image "imagePullPolicy" $pullPolicy "resources" $resources "env" ($values.env | default list) -}}
{{- $fetch := include "paddle-serving-operator.resources" ($values.fetch | default dict).resources | fromYaml -}}
{{- $fetching := dict -}}
{{- if or $fetch.limits $fetch.requests -}}{{- $_ := set $fetching "resources" $fetch -}}{{- end -}}
{{- with ($values.fetch | default dict).cache -}}{{- if or .persistentVolumeClaim .hostPath -}}{{- $_ := set $fetching "cache" . -}}{{- end -}}{{- end -}}
{{- if eq (($values.fetch | default dict).imageVolumes | default "Never") "Auto" -}}{{- $_ := set $fetching "imageVolumes" "Auto" -}}{{- end -}}
{{- with $fetching -}}{{- $_ := set $profile "fetch" . -}}{{- end -}}
{{- range $key := list "runtimeClassName" "nodeSelector" "tolerations" -}}
{{- with index $values $key -}}{{- $_ := set $profile $key . -}}{{- end -}}
{{- end -}}
{{- $_ := set $profiles $name $profile -}}
{{- end -}}
{{- end -}}
{{- toYaml $profiles -}}
{{- end -}}
