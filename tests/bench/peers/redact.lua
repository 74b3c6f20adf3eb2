-- The redaction by HAProxy and Lua: records with an ICD-10 F code go, the rest is printed back.
local cjson = require("cjson")
cjson.decode_max_depth(64)

local ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"

local function has_f_code(resource)
    for _, diagnosis in ipairs(resource.diagnosis or {}) do
        local concept = diagnosis.diagnosisCodeableConcept or {}
        for _, coding in ipairs(concept.coding or {}) do
            if coding.system == ICD10 and coding.code:sub(1, 1) == "F" then return true end
        end
    end
    return false
end

core.register_action("redact", { "http-res" }, function(txn)
    local bundle = cjson.decode(txn.f:res_body())
    local kept = {}
    for _, entry in ipairs(bundle.entry or {}) do
        if not has_f_code(entry.resource) then kept[#kept + 1] = entry end
    end
    bundle.entry = #kept > 0 and kept or nil
    bundle.total = nil
    local body = cjson.encode(bundle)
    local reply = txn:reply()
    reply:set_status(200)
    reply:add_header("content-type", "application/fhir+json")
    reply:add_header("content-length", tostring(#body))
    reply:set_body(body)
    txn:done(reply)
end)
