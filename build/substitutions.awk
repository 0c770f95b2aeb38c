# Writes what the executables can do without, as substitutions for the compiler: methods that compilers generate and that nobody here
# calls, but that are virtual, so that every type would carry them. Of messages: copies, comparisons and hashes; calling one throws. Of
# records: the members in ToString, which prints the type's name alone, and hashes, but for those of record structs, which are keys.
# tests/unit/Removed fails where our code calls one that throws.
# Input: protoc's C# of the messages and the sources; generated types stand two spaces deep in their namespace, records in column 0.
BEGIN { print "<linker>" }

function assembly(file) {
    match(file, /Caisson(\.[A-Za-z]+)?\/[^\/]*/)
    n = split(file, parts, "/")
    for (i = 1; i <= n; i++)
        if (parts[i] ~ /^Caisson(\.[A-Za-z]+)?$/) return parts[i] == "Caisson" ? "caisson" : parts[i] == "Caisson.Agent" ? "caisson-agent" : parts[i]
}

function stub(signature, value) { return "<method signature=\"" signature "\" body=\"stub\" value=\"" value "\" />" }

function cut(signature) { return "<method signature=\"" signature "\" body=\"remove\" />" }

function emit(type, methods) {
    print "<assembly fullname=\"" assembly(FILENAME) "\"><type fullname=\"" type "\">" methods "</type></assembly>"
}

/^namespace / { space = $2; sub(/[;{].*/, "", space) }

/^  public sealed partial class [A-Za-z0-9]+ : pb::IMessage</ {
    type = space "." $5
    emit(type, cut(type " Clone()") cut("System.Void MergeFrom(" type ")") cut("System.Boolean Equals(" type ")") \
        cut("System.Boolean Equals(System.Object)") cut("System.Int32 GetHashCode()"))
}

/^(public |internal )(sealed |abstract |readonly |partial )*record (struct )?[A-Z][A-Za-z0-9]*([ (;:]|$)/ {
    match($0, /record (struct )?[A-Z][A-Za-z0-9]*/)
    words = split(substr($0, RSTART, RLENGTH), name, " ")
    emit(space "." name[words], stub("System.Boolean PrintMembers(System.Text.StringBuilder)", "false") \
        (words == 2 ? stub("System.Int32 GetHashCode()", "0") : ""))
}

END { print "</linker>" }
