"""The shape of every Gemini request message, as data: which fields exist and what they hold.

Source: Google's discovery document v1beta, revision 20260717, and the fields of gemini.md section 2
that are newer than it (`displayName`, `excludeDomains`, `labels`, `continuationToken`, part-level
`mediaResolution`, ...), and those that google-genai 3.4.0 sends (`mediaProcessing`,
`speechMetadata`, `authConfig`, ...).  Correct a fact here; no code has to change.

A field is written `name:type`.  Types: `string bytes bool int32 int64 float double timestamp
duration`; `json` (any value), `any` (the same, and `null` is a value too) and `struct` (any
object), never looked into; `@Name` an enum, `Name` a message, `[type]` a list, `{type}` a map.
"""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "AuthConfig": "apiKey:string",
    "AudioResponseFormat": "bitRate:int32 delivery:@Delivery mimeType:@AudioMime sampleRate:int32",
    "Blob": "data:bytes mimeType:string displayName:string",
    "CodeExecution": "",
    "CodeExecutionResult": "id:string outcome:@Outcome output:string",
    "ComputerUse": (
        "disabledSafetyPolicies:[@SafetyPolicy] enablePromptInjectionDetection:bool "
        "environment:@Environment excludedPredefinedFunctions:[string]"
    ),
    "Content": "parts:[Part] role:string",
    "CountTokensRequest": (
        "contents:[Content] generateContentRequest:GenerateContentRequest model:string"
    ),
    "DynamicRetrievalConfig": "dynamicThreshold:float mode:@DynamicMode",
    "ExecutableCode": "code:string id:string language:@Language",
    "FileData": "fileUri:string mimeType:string",
    "FileSearch": "fileSearchStoreNames:[string] metadataFilter:string topK:int32",
    "FunctionCall": "args:struct id:string name:string willContinue:bool partialArgs:[struct]",
    "FunctionCallingConfig": (
        "allowedFunctionNames:[string] mode:@Mode streamFunctionCallArguments:bool"
    ),
    "FunctionDeclaration": (
        "behavior:@Behavior description:string name:string parameters:Schema "
        "parametersJsonSchema:json response:Schema responseJsonSchema:json"
    ),
    "FunctionResponse": (
        "id:string name:string parts:[FunctionResponsePart] response:struct "
        "scheduling:@Scheduling willContinue:bool"
    ),
    "FunctionResponseBlob": "data:bytes mimeType:string displayName:string",
    "FunctionResponsePart": (
        "inlineData:FunctionResponseBlob fileData:FileData mediaProcessing:@MediaProcessing "
        "mediaResolution:MediaResolution videoMetadata:VideoMetadata documentMetadata:struct "
        "spreadsheetMetadata:struct audioMetadata:struct"
    ),
    "GenerateContentRequest": (
        "cachedContent:string contents:[Content] generationConfig:GenerationConfig "
        "model:string safetySettings:[SafetySetting] serviceTier:@ServiceTier store:bool "
        "systemInstruction:Content toolConfig:ToolConfig tools:[Tool] labels:{string} "
        "continuationToken:string"
    ),
    "GenerationConfig": (
        "_responseJsonSchema:json candidateCount:int32 enableAffectiveDialog:bool "
        "enableEnhancedCivicAnswers:bool frequencyPenalty:float imageConfig:ImageConfig "
        "logprobs:int32 maxOutputTokens:int32 mediaResolution:@MediaResolution "
        "presencePenalty:float responseFormat:ResponseFormatConfig responseJsonSchema:json "
        "responseLogprobs:bool responseMimeType:string responseModalities:[@Modality] "
        "responseSchema:Schema seed:int32 speechConfig:SpeechConfig stopSequences:[string] "
        "temperature:float thinkingConfig:ThinkingConfig topK:int32 topP:float "
        "translationConfig:TranslationConfig audioTimestamp:bool routingConfig:struct "
        "audioTranscriptionConfig:struct"
    ),
    "GoogleMaps": "enableWidget:bool authConfig:AuthConfig",
    "GoogleSearch": "searchTypes:SearchTypes timeRangeFilter:Interval excludeDomains:[string]",
    "GoogleSearchRetrieval": "dynamicRetrievalConfig:DynamicRetrievalConfig",
    "ImageConfig": "aspectRatio:string imageSize:string",
    "ImageResponseFormat": (
        "aspectRatio:@AspectRatio delivery:@Delivery imageSize:@ImageSize mimeType:@ImageMime"
    ),
    "ImageSearch": "",
    "Interval": "endTime:timestamp startTime:timestamp",
    "LatLng": "latitude:double longitude:double",
    "McpServer": "name:string streamableHttpTransport:StreamableHttpTransport",
    "MediaResolution": "level:@PartMediaResolution numTokens:int32",
    "MultiSpeakerVoiceConfig": "speakerVoiceConfigs:[SpeakerVoiceConfig]",
    "Part": (
        "codeExecutionResult:CodeExecutionResult executableCode:ExecutableCode "
        "fileData:FileData functionCall:FunctionCall functionResponse:FunctionResponse "
        "inlineData:Blob mediaResolution:MediaResolution partMetadata:struct text:string "
        "thought:bool thoughtSignature:bytes toolCall:ToolCall toolResponse:ToolResponse "
        "videoMetadata:VideoMetadata audioTranscription:struct mediaProcessing:@MediaProcessing "
        "speechMetadata:struct documentMetadata:struct spreadsheetMetadata:struct "
        "audioMetadata:struct"
    ),
    "PrebuiltVoiceConfig": "voiceName:string",
    "ResponseFormatConfig": (
        "audio:AudioResponseFormat image:ImageResponseFormat text:TextResponseFormat"
    ),
    "RetrievalConfig": "languageCode:string latLng:LatLng",
    "SafetySetting": "category:@HarmCategory threshold:@HarmBlockThreshold",
    "Schema": (
        "anyOf:[Schema] default:any description:string enum:[string] example:any "
        "format:string items:Schema maxItems:int64 maxLength:int64 maxProperties:int64 "
        "maximum:double minItems:int64 minLength:int64 minProperties:int64 minimum:double "
        "nullable:bool pattern:string properties:{Schema} propertyOrdering:[string] "
        "required:[string] title:string type:@Type"
    ),
    "SearchTypes": "imageSearch:ImageSearch webSearch:WebSearch",
    "SpeakerVoiceConfig": "speaker:string voiceConfig:VoiceConfig",
    "SpeechConfig": (
        "languageCode:string multiSpeakerVoiceConfig:MultiSpeakerVoiceConfig "
        "voiceConfig:VoiceConfig"
    ),
    "StreamableHttpTransport": (
        "headers:{string} sseReadTimeout:duration terminateOnClose:bool timeout:duration url:string"
    ),
    "TextResponseFormat": "mimeType:@TextMime schema:json",
    "ThinkingConfig": "includeThoughts:bool thinkingBudget:int32 thinkingLevel:@ThinkingLevel",
    "Tool": (
        "codeExecution:CodeExecution computerUse:ComputerUse fileSearch:FileSearch "
        "functionDeclarations:[FunctionDeclaration] googleMaps:GoogleMaps "
        "googleSearch:GoogleSearch googleSearchRetrieval:GoogleSearchRetrieval "
        "mcpServers:[McpServer] urlContext:UrlContext"
    ),
    "ToolCall": "args:struct id:string toolType:@ToolType",
    "ToolConfig": (
        "functionCallingConfig:FunctionCallingConfig includeServerSideToolInvocations:bool "
        "retrievalConfig:RetrievalConfig"
    ),
    "ToolResponse": "id:string response:struct toolType:@ToolType",
    "TranslationConfig": "echoTargetLanguage:bool targetLanguageCode:string",
    "UrlContext": "",
    "VideoMetadata": (
        "endOffset:duration fps:double startOffset:duration contentLayers:[@ContentLayer]"
    ),
    "VoiceConfig": "prebuiltVoiceConfig:PrebuiltVoiceConfig",
    "WebSearch": "",
}

# In the order of their numbers, which a client may send instead (as Google's older one does).
ENUMS: Final[dict[str, str]] = {
    "Outcome": "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED",
    "Language": "LANGUAGE_UNSPECIFIED PYTHON",
    "Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
    "ToolType": (
        "TOOL_TYPE_UNSPECIFIED GOOGLE_SEARCH_WEB GOOGLE_SEARCH_IMAGE URL_CONTEXT GOOGLE_MAPS "
        "FILE_SEARCH"
    ),
    "ServiceTier": "unspecified standard flex priority",
    "MediaResolution": (
        "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM "
        "MEDIA_RESOLUTION_HIGH"
    ),
    "Modality": "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO",
    "Delivery": "DELIVERY_UNSPECIFIED INLINE URI",
    "AudioMime": (
        "MIME_TYPE_UNSPECIFIED AUDIO_MP3 AUDIO_OGG_OPUS AUDIO_L16 AUDIO_WAV AUDIO_ALAW AUDIO_MULAW"
    ),
    "AspectRatio": (
        "ASPECT_RATIO_UNSPECIFIED ASPECT_RATIO_ONE_BY_ONE ASPECT_RATIO_TWO_BY_THREE "
        "ASPECT_RATIO_THREE_BY_TWO ASPECT_RATIO_THREE_BY_FOUR ASPECT_RATIO_FOUR_BY_THREE "
        "ASPECT_RATIO_FOUR_BY_FIVE ASPECT_RATIO_FIVE_BY_FOUR ASPECT_RATIO_NINE_BY_SIXTEEN "
        "ASPECT_RATIO_SIXTEEN_BY_NINE ASPECT_RATIO_TWENTY_ONE_BY_NINE "
        "ASPECT_RATIO_ONE_BY_EIGHT ASPECT_RATIO_EIGHT_BY_ONE ASPECT_RATIO_ONE_BY_FOUR "
        "ASPECT_RATIO_FOUR_BY_ONE"
    ),
    "ImageSize": (
        "IMAGE_SIZE_UNSPECIFIED IMAGE_SIZE_FIVE_TWELVE IMAGE_SIZE_ONE_K IMAGE_SIZE_TWO_K "
        "IMAGE_SIZE_FOUR_K"
    ),
    "ImageMime": "MIME_TYPE_UNSPECIFIED IMAGE_JPEG",
    "TextMime": "MIME_TYPE_UNSPECIFIED APPLICATION_JSON TEXT_PLAIN",
    "Type": "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
    "ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH",
    "HarmCategory": (
        "HARM_CATEGORY_UNSPECIFIED HARM_CATEGORY_DEROGATORY HARM_CATEGORY_TOXICITY "
        "HARM_CATEGORY_VIOLENCE HARM_CATEGORY_SEXUAL HARM_CATEGORY_MEDICAL "
        "HARM_CATEGORY_DANGEROUS HARM_CATEGORY_HARASSMENT HARM_CATEGORY_HATE_SPEECH "
        "HARM_CATEGORY_SEXUALLY_EXPLICIT HARM_CATEGORY_DANGEROUS_CONTENT "
        "HARM_CATEGORY_CIVIC_INTEGRITY HARM_CATEGORY_JAILBREAK"
    ),
    "HarmBlockThreshold": (
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE "
        "BLOCK_ONLY_HIGH BLOCK_NONE OFF"
    ),
    "Mode": "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED",
    "SafetyPolicy": (
        "SAFETY_POLICY_UNSPECIFIED FINANCIAL_TRANSACTIONS SENSITIVE_DATA_MODIFICATION "
        "COMMUNICATION_TOOL ACCOUNT_CREATION DATA_MODIFICATION USER_CONSENT_MANAGEMENT "
        "LEGAL_TERMS_AND_AGREEMENTS"
    ),
    "Environment": (
        "ENVIRONMENT_UNSPECIFIED ENVIRONMENT_BROWSER ENVIRONMENT_MOBILE ENVIRONMENT_DESKTOP"
    ),
    "Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
    "DynamicMode": "MODE_UNSPECIFIED MODE_DYNAMIC",
    "MediaProcessing": "MEDIA_PROCESSING_UNSPECIFIED STATIC AGENTIC",
    "ContentLayer": "CONTENT_LAYER_UNSPECIFIED FRAMES AUDIO",
    "PartMediaResolution": (
        "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM "
        "MEDIA_RESOLUTION_HIGH MEDIA_RESOLUTION_ULTRA_HIGH"
    ),
}

QUALIFIED: Final[dict[str, str]] = {
    "Behavior": "FunctionDeclaration.Behavior",
    "ComputerUse": "Tool.ComputerUse",
    "DynamicMode": "DynamicRetrievalConfig.Mode",
    "Environment": "Tool.ComputerUse.Environment",
    "GoogleSearch": "Tool.GoogleSearch",
    "HarmBlockThreshold": "SafetySetting.HarmBlockThreshold",
    "Language": "ExecutableCode.Language",
    "MediaResolution": "GenerationConfig.MediaResolution",
    "Modality": "GenerationConfig.Modality",
    "Mode": "FunctionCallingConfig.Mode",
    "Outcome": "CodeExecutionResult.Outcome",
    "Scheduling": "FunctionResponse.Scheduling",
    "ThinkingLevel": "ThinkingConfig.ThinkingLevel",
}
"""What error texts call a message or an enum that is declared inside another."""

ONEOFS: Final[dict[str, tuple[str, str]]] = {
    "Part": (
        "data",
        "text inlineData functionCall functionResponse fileData executableCode "
        "codeExecutionResult toolCall toolResponse",
    ),
}
"""Message to the name of its oneof and the fields of which only one may be set."""
